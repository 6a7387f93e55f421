-- CreateEnum
CREATE TYPE "WorkspaceUse" AS ENUM ('READ', 'WRITE', 'SHARED');

-- AlterEnum
ALTER TYPE "GateKind" ADD VALUE 'MERGE';

-- AlterTable
ALTER TABLE "Agent" ADD COLUMN     "workspace" "WorkspaceUse" NOT NULL DEFAULT 'SHARED';

-- AlterTable
ALTER TABLE "Execution" ADD COLUMN     "commit" TEXT;

-- AlterTable
ALTER TABLE "Session" ADD COLUMN     "branch" TEXT,
ADD COLUMN     "headCommit" TEXT;
