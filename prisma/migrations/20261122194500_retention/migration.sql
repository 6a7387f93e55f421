-- CreateIndex
CREATE INDEX "IdempotencyKey_subjectId_idx" ON "IdempotencyKey"("subjectId");
