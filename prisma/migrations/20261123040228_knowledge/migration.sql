-- Nothing was ever written to this table before.

-- CreateEnum
CREATE TYPE "KnowledgeReview" AS ENUM ('PROPOSED', 'APPROVED', 'REJECTED');

-- AlterTable
ALTER TABLE "Knowledge" DROP COLUMN "provenance",
ADD COLUMN     "confirmedAt" TIMESTAMPTZ(3) NOT NULL,
ADD COLUMN     "expiresAt" TIMESTAMPTZ(3),
ADD COLUMN     "review" "KnowledgeReview" NOT NULL DEFAULT 'PROPOSED',
ADD COLUMN     "reviewReason" TEXT,
ADD COLUMN     "reviewedAt" TIMESTAMPTZ(3),
ADD COLUMN     "reviewedBy" TEXT,
ADD COLUMN     "sameness" TEXT NOT NULL,
ADD COLUMN     "staleAt" TIMESTAMPTZ(3) NOT NULL,
ADD COLUMN     "supersededById" UUID,
ADD COLUMN     "tags" TEXT[],
ADD COLUMN     "terms" TEXT[],
ADD COLUMN     "title" TEXT NOT NULL;

-- CreateTable
CREATE TABLE "KnowledgeSource" (
    "id" UUID NOT NULL,
    "knowledgeId" UUID NOT NULL,
    "key" TEXT NOT NULL,
    "by" TEXT NOT NULL,
    "reference" TEXT,
    "sessionId" UUID,
    "executionId" UUID,
    "agentId" UUID,
    "confidence" DOUBLE PRECISION NOT NULL,
    "createdAt" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "KnowledgeSource_pkey" PRIMARY KEY ("id")
);

-- CreateIndex
CREATE INDEX "KnowledgeSource_sessionId_idx" ON "KnowledgeSource"("sessionId");

-- CreateIndex
CREATE INDEX "KnowledgeSource_executionId_idx" ON "KnowledgeSource"("executionId");

-- CreateIndex
CREATE INDEX "KnowledgeSource_agentId_idx" ON "KnowledgeSource"("agentId");

-- CreateIndex
CREATE UNIQUE INDEX "KnowledgeSource_knowledgeId_key_key" ON "KnowledgeSource"("knowledgeId", "key");

-- CreateIndex
CREATE UNIQUE INDEX "Knowledge_supersededById_key" ON "Knowledge"("supersededById");

-- CreateIndex
CREATE INDEX "Knowledge_createdAt_id_idx" ON "Knowledge"("createdAt", "id");

-- CreateIndex
CREATE INDEX "Knowledge_terms_idx" ON "Knowledge" USING GIN ("terms");

-- CreateIndex
CREATE UNIQUE INDEX "Knowledge_projectId_sameness_key" ON "Knowledge"("projectId", "sameness");

-- AddForeignKey
ALTER TABLE "Knowledge" ADD CONSTRAINT "Knowledge_supersededById_fkey" FOREIGN KEY ("supersededById") REFERENCES "Knowledge"("id") ON DELETE SET NULL ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "KnowledgeSource" ADD CONSTRAINT "KnowledgeSource_knowledgeId_fkey" FOREIGN KEY ("knowledgeId") REFERENCES "Knowledge"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "KnowledgeSource" ADD CONSTRAINT "KnowledgeSource_sessionId_fkey" FOREIGN KEY ("sessionId") REFERENCES "Session"("id") ON DELETE SET NULL ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "KnowledgeSource" ADD CONSTRAINT "KnowledgeSource_executionId_fkey" FOREIGN KEY ("executionId") REFERENCES "Execution"("id") ON DELETE SET NULL ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "KnowledgeSource" ADD CONSTRAINT "KnowledgeSource_agentId_fkey" FOREIGN KEY ("agentId") REFERENCES "Agent"("id") ON DELETE SET NULL ON UPDATE CASCADE;
