-- What a checkpoint tells follows from the executions that were accepted by then; only the commit is its own. A table of
-- them, each with the ids of all that had been accepted, grew with the square of the executions of a session.

-- AlterTable
ALTER TABLE "Execution" ADD COLUMN     "head" TEXT;

UPDATE "Execution" e SET "head" = c."commit" FROM "Checkpoint" c WHERE c."executionId" = e."id" AND c."commit" IS NOT NULL;

-- DropTable
DROP TABLE "Checkpoint";

CREATE VIEW "Checkpoint" AS
  SELECT e."sessionId", e."acceptedSeq" + 1 AS "seq", e."id" AS "executionId",
    ARRAY(
      SELECT o."id" FROM "Execution" o WHERE o."sessionId" = e."sessionId" AND o."acceptedSeq" <= e."acceptedSeq"
      ORDER BY o."position"
    ) AS "accepted",
    e."head" AS "commit", e."endedAt" AS "createdAt"
  FROM "Execution" e WHERE e."acceptedSeq" IS NOT NULL;
