-- CreateEnum
CREATE TYPE "OfferStatus" AS ENUM ('OPEN', 'CLAIMED', 'REPORTED', 'CLOSED');

-- AlterTable
ALTER TABLE "Agent" ADD COLUMN     "attendedUntil" TIMESTAMPTZ(3);

-- CreateTable
CREATE TABLE "Offer" (
    "attemptId" UUID NOT NULL,
    "agentId" UUID NOT NULL,
    "projectId" UUID NOT NULL,
    "priority" INTEGER NOT NULL,
    "status" "OfferStatus" NOT NULL DEFAULT 'OPEN',
    "work" JSONB,
    "worker" TEXT,
    "holder" TEXT,
    "claimKey" TEXT,
    "fence" INTEGER NOT NULL DEFAULT 0,
    "leaseMs" INTEGER,
    "leaseUntil" TIMESTAMPTZ(3),
    "shown" JSONB NOT NULL DEFAULT '[]',
    "received" INTEGER NOT NULL DEFAULT 0,
    "report" JSONB,
    "reportHash" TEXT,
    "createdAt" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "Offer_pkey" PRIMARY KEY ("attemptId")
);

-- CreateIndex
CREATE INDEX "Offer_agentId_status_priority_createdAt_idx" ON "Offer"("agentId", "status", "priority" DESC, "createdAt");

-- AddForeignKey
ALTER TABLE "Offer" ADD CONSTRAINT "Offer_attemptId_fkey" FOREIGN KEY ("attemptId") REFERENCES "Attempt"("id") ON DELETE CASCADE ON UPDATE CASCADE;
