-- These rows are written again a moment after they were made: with room on their page the new version stays there.
ALTER TABLE "Session" SET (fillfactor = 60);
ALTER TABLE "Execution" SET (fillfactor = 60);
ALTER TABLE "Attempt" SET (fillfactor = 60);
