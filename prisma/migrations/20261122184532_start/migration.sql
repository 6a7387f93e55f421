-- CreateEnum
CREATE TYPE "AgentType" AS ENUM ('CODEGEN', 'TESTING', 'DOCUMENTATION', 'ANALYSIS', 'REVIEW', 'DEPLOYMENT', 'PLANNER', 'GENERAL');

-- CreateEnum
CREATE TYPE "AgentStatus" AS ENUM ('ONLINE', 'BUSY', 'DEGRADED', 'OFFLINE', 'DISABLED');

-- CreateEnum
CREATE TYPE "Pattern" AS ENUM ('SEQUENTIAL', 'PARALLEL', 'PIPELINE', 'HIERARCHICAL');

-- CreateEnum
CREATE TYPE "SessionStatus" AS ENUM ('QUEUED', 'ANALYZING', 'AWAITING_APPROVAL', 'RUNNING', 'INTERRUPTED', 'PAUSED', 'CANCELING', 'ROLLING_BACK', 'SUCCEEDED', 'PARTIAL', 'FAILED', 'CANCELED', 'TIMED_OUT', 'ROLLED_BACK');

-- CreateEnum
CREATE TYPE "ExecutionStatus" AS ENUM ('PENDING', 'BLOCKED', 'READY', 'ASSIGNED', 'RUNNING', 'VALIDATING', 'WAITING', 'ACCEPTED', 'FAILED', 'SKIPPED', 'CANCELED', 'COMPENSATED');

-- CreateEnum
CREATE TYPE "AttemptStatus" AS ENUM ('RUNNING', 'OK', 'ERROR', 'TIMEOUT', 'LOST', 'CANCELED');

-- CreateEnum
CREATE TYPE "ActivityKind" AS ENUM ('THOUGHT', 'ACTION', 'MESSAGE', 'OUTPUT', 'PLAN', 'USAGE');

-- CreateEnum
CREATE TYPE "ArtifactKind" AS ENUM ('FILE', 'PATCH', 'REPORT', 'JSON');

-- CreateEnum
CREATE TYPE "InterruptKind" AS ENUM ('APPROVAL', 'QUESTION', 'AUTH', 'BUDGET', 'PLAN');

-- CreateEnum
CREATE TYPE "InterruptStatus" AS ENUM ('OPEN', 'ANSWERED', 'EXPIRED', 'VOID');

-- CreateEnum
CREATE TYPE "GateKind" AS ENUM ('SCHEMA', 'COMMAND', 'TEST_REPORT', 'FILES', 'EVIDENCE', 'JUDGE', 'PERSON');

-- CreateEnum
CREATE TYPE "VerdictKind" AS ENUM ('ACCEPT', 'REJECT', 'ERROR');

-- CreateEnum
CREATE TYPE "Role" AS ENUM ('VIEWER', 'OPERATOR', 'APPROVER', 'AGENT', 'ADMIN');

-- CreateEnum
CREATE TYPE "KnowledgeKind" AS ENUM ('OUTCOME', 'TIP', 'RECIPE', 'FAILURE');

-- CreateEnum
CREATE TYPE "AlertStatus" AS ENUM ('OPEN', 'ACKNOWLEDGED', 'RESOLVED');

-- CreateTable
CREATE TABLE "Project" (
    "id" UUID NOT NULL,
    "name" TEXT NOT NULL,
    "description" TEXT NOT NULL DEFAULT '',
    "workspace" TEXT NOT NULL,
    "concurrency" INTEGER NOT NULL DEFAULT 8,
    "archivedAt" TIMESTAMPTZ(3),
    "createdAt" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updatedAt" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "Project_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "Task" (
    "id" UUID NOT NULL,
    "projectId" UUID NOT NULL,
    "parentId" UUID,
    "key" TEXT,
    "title" TEXT NOT NULL,
    "description" TEXT NOT NULL DEFAULT '',
    "type" "AgentType",
    "input" JSONB,
    "priority" INTEGER NOT NULL DEFAULT 0,
    "capabilities" TEXT[] DEFAULT ARRAY[]::TEXT[],
    "agent" TEXT,
    "optional" BOOLEAN NOT NULL DEFAULT false,
    "policy" JSONB,
    "archivedAt" TIMESTAMPTZ(3),
    "createdAt" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updatedAt" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "Task_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "TaskDependency" (
    "taskId" UUID NOT NULL,
    "dependsOnId" UUID NOT NULL,

    CONSTRAINT "TaskDependency_pkey" PRIMARY KEY ("taskId","dependsOnId")
);

-- CreateTable
CREATE TABLE "Agent" (
    "id" UUID NOT NULL,
    "projectId" UUID,
    "name" TEXT NOT NULL,
    "version" INTEGER NOT NULL DEFAULT 1,
    "type" "AgentType" NOT NULL,
    "description" TEXT NOT NULL DEFAULT '',
    "capabilities" TEXT[],
    "runtime" TEXT NOT NULL,
    "runtimeConfig" JSONB NOT NULL,
    "slots" INTEGER NOT NULL,
    "timeouts" JSONB,
    "status" "AgentStatus" NOT NULL DEFAULT 'ONLINE',
    "statusReason" TEXT,
    "origin" TEXT NOT NULL DEFAULT 'API',
    "archivedAt" TIMESTAMPTZ(3),
    "createdAt" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updatedAt" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "Agent_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "Session" (
    "id" UUID NOT NULL,
    "projectId" UUID NOT NULL,
    "taskId" UUID NOT NULL,
    "rootSessionId" UUID,
    "parentSessionId" UUID,
    "retryOfId" UUID,
    "driver" TEXT,
    "status" "SessionStatus" NOT NULL,
    "pattern" "Pattern" NOT NULL,
    "priority" INTEGER NOT NULL DEFAULT 0,
    "version" INTEGER NOT NULL,
    "seq" INTEGER NOT NULL,
    "planVersion" INTEGER NOT NULL DEFAULT 1,
    "limits" JSONB NOT NULL,
    "policy" JSONB NOT NULL,
    "budget" JSONB NOT NULL,
    "depth" INTEGER NOT NULL DEFAULT 1,
    "baseCommit" TEXT,
    "forkOfId" UUID,
    "ending" JSONB,
    "inputs" JSONB NOT NULL,
    "waitedMs" INTEGER NOT NULL DEFAULT 0,
    "waitingSince" TIMESTAMPTZ(3),
    "ledger" JSONB,
    "rollback" JSONB,
    "output" JSONB,
    "reason" TEXT,
    "createdAt" TIMESTAMPTZ(3) NOT NULL,
    "startedAt" TIMESTAMPTZ(3),
    "endedAt" TIMESTAMPTZ(3),

    CONSTRAINT "Session_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "Plan" (
    "sessionId" UUID NOT NULL,
    "version" INTEGER NOT NULL,
    "pattern" "Pattern" NOT NULL,
    "graph" JSONB NOT NULL,
    "analysis" JSONB,
    "estimate" JSONB,
    "createdAt" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "Plan_pkey" PRIMARY KEY ("sessionId","version")
);

-- CreateTable
CREATE TABLE "Execution" (
    "id" UUID NOT NULL,
    "sessionId" UUID NOT NULL,
    "key" TEXT NOT NULL,
    "position" INTEGER NOT NULL,
    "title" TEXT NOT NULL,
    "status" "ExecutionStatus" NOT NULL,
    "agentId" UUID,
    "selection" JSONB,
    "input" JSONB,
    "inputHash" TEXT,
    "output" JSONB,
    "summary" TEXT,
    "evidence" JSONB,
    "artifactCount" INTEGER,
    "error" JSONB,
    "causeId" UUID,
    "aborting" TEXT,
    "again" BOOLEAN,
    "candidate" JSONB,
    "gate" INTEGER,
    "gateErrors" INTEGER,
    "feedback" JSONB,
    "replies" JSONB,
    "fallbacks" INTEGER,
    "interruptId" UUID,
    "childId" UUID,
    "slice" JSONB,
    "undo" JSONB,
    "acceptedSeq" INTEGER,
    "carriedId" UUID,
    "attempt" INTEGER NOT NULL DEFAULT 0,
    "counted" INTEGER NOT NULL DEFAULT 0,
    "lost" INTEGER NOT NULL DEFAULT 0,
    "fence" INTEGER NOT NULL DEFAULT 0,
    "readyAt" TIMESTAMPTZ(3),
    "resumeAt" TIMESTAMPTZ(3),
    "startedAt" TIMESTAMPTZ(3),
    "endedAt" TIMESTAMPTZ(3),
    "createdAt" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "Execution_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "Attempt" (
    "id" UUID NOT NULL,
    "sessionId" UUID NOT NULL,
    "executionId" UUID NOT NULL,
    "number" INTEGER NOT NULL,
    "status" "AttemptStatus" NOT NULL,
    "agentId" UUID NOT NULL,
    "agentVersion" INTEGER NOT NULL,
    "fence" INTEGER NOT NULL,
    "owner" TEXT NOT NULL,
    "leaseUntil" TIMESTAMPTZ(3) NOT NULL,
    "timeout" TEXT,
    "retryable" BOOLEAN,
    "error" JSONB,
    "usage" JSONB,
    "reserved" JSONB,
    "startedAt" TIMESTAMPTZ(3) NOT NULL,
    "endedAt" TIMESTAMPTZ(3),

    CONSTRAINT "Attempt_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "Journal" (
    "sessionId" UUID NOT NULL,
    "first" INTEGER NOT NULL,
    "last" INTEGER NOT NULL,
    "events" JSON NOT NULL,

    CONSTRAINT "Journal_pkey" PRIMARY KEY ("sessionId","last")
);

-- CreateTable
CREATE TABLE "Checkpoint" (
    "sessionId" UUID NOT NULL,
    "seq" INTEGER NOT NULL,
    "executionId" UUID NOT NULL,
    "accepted" UUID[],
    "commit" TEXT,
    "createdAt" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "Checkpoint_pkey" PRIMARY KEY ("sessionId","seq")
);

-- CreateTable
CREATE TABLE "Activity" (
    "executionId" UUID NOT NULL,
    "seq" INTEGER NOT NULL,
    "attempt" INTEGER NOT NULL,
    "kind" "ActivityKind" NOT NULL,
    "stream" TEXT,
    "text" TEXT NOT NULL,
    "at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "Activity_pkey" PRIMARY KEY ("executionId","seq")
);

-- CreateTable
CREATE TABLE "Artifact" (
    "id" UUID NOT NULL,
    "sessionId" UUID NOT NULL,
    "executionId" UUID NOT NULL,
    "attemptId" UUID NOT NULL,
    "name" TEXT NOT NULL,
    "kind" "ArtifactKind" NOT NULL,
    "mediaType" TEXT NOT NULL,
    "size" INTEGER NOT NULL,
    "sha256" TEXT NOT NULL,
    "createdAt" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "Artifact_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "Verdict" (
    "seq" INTEGER NOT NULL,
    "sessionId" UUID NOT NULL,
    "executionId" UUID NOT NULL,
    "attemptId" UUID NOT NULL,
    "gate" INTEGER NOT NULL,
    "kind" "GateKind" NOT NULL,
    "verdict" "VerdictKind" NOT NULL,
    "text" TEXT,
    "evidence" JSONB NOT NULL,
    "at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "Verdict_pkey" PRIMARY KEY ("sessionId","seq")
);

-- CreateTable
CREATE TABLE "Interrupt" (
    "id" UUID NOT NULL,
    "sessionId" UUID NOT NULL,
    "seq" INTEGER NOT NULL,
    "executionId" UUID,
    "kind" "InterruptKind" NOT NULL,
    "status" "InterruptStatus" NOT NULL,
    "question" TEXT NOT NULL,
    "shown" JSONB NOT NULL,
    "shownHash" TEXT NOT NULL,
    "choices" TEXT[],
    "role" "Role" NOT NULL,
    "onExpiry" JSONB NOT NULL,
    "about" JSONB NOT NULL,
    "escalated" BOOLEAN NOT NULL DEFAULT false,
    "answer" JSONB,
    "answeredBy" TEXT,
    "createdAt" TIMESTAMPTZ(3) NOT NULL,
    "expiresAt" TIMESTAMPTZ(3) NOT NULL,
    "escalatesAt" TIMESTAMPTZ(3) NOT NULL,
    "answeredAt" TIMESTAMPTZ(3),

    CONSTRAINT "Interrupt_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "Knowledge" (
    "id" UUID NOT NULL,
    "projectId" UUID NOT NULL,
    "kind" "KnowledgeKind" NOT NULL,
    "text" TEXT NOT NULL,
    "provenance" JSONB NOT NULL,
    "confidence" DOUBLE PRECISION NOT NULL,
    "createdAt" TIMESTAMPTZ(3) NOT NULL,
    "updatedAt" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "Knowledge_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "Alert" (
    "id" UUID NOT NULL,
    "projectId" UUID,
    "sessionId" UUID,
    "rule" TEXT NOT NULL,
    "status" "AlertStatus" NOT NULL,
    "data" JSONB NOT NULL,
    "createdAt" TIMESTAMPTZ(3) NOT NULL,
    "updatedAt" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "Alert_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "Server" (
    "id" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "role" TEXT NOT NULL,
    "version" TEXT NOT NULL,
    "startedAt" TIMESTAMPTZ(3) NOT NULL,
    "leaseUntil" TIMESTAMPTZ(3) NOT NULL,
    "draining" BOOLEAN NOT NULL DEFAULT false,

    CONSTRAINT "Server_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "IdempotencyKey" (
    "operation" TEXT NOT NULL,
    "key" TEXT NOT NULL,
    "inputHash" TEXT NOT NULL,
    "subjectId" UUID NOT NULL,
    "createdAt" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "IdempotencyKey_pkey" PRIMARY KEY ("operation","key")
);

-- CreateIndex
CREATE UNIQUE INDEX "Project_name_key" ON "Project"("name");

-- CreateIndex
CREATE INDEX "Task_projectId_createdAt_id_idx" ON "Task"("projectId", "createdAt", "id");

-- CreateIndex
CREATE UNIQUE INDEX "Task_parentId_key_key" ON "Task"("parentId", "key");

-- CreateIndex
CREATE INDEX "TaskDependency_dependsOnId_idx" ON "TaskDependency"("dependsOnId");

-- CreateIndex
CREATE INDEX "Agent_projectId_createdAt_id_idx" ON "Agent"("projectId", "createdAt", "id");

-- CreateIndex
CREATE INDEX "Agent_name_idx" ON "Agent"("name");

-- CreateIndex
CREATE INDEX "Session_projectId_createdAt_id_idx" ON "Session"("projectId", "createdAt", "id");

-- CreateIndex
CREATE INDEX "Session_status_createdAt_id_idx" ON "Session"("status", "createdAt", "id");

-- CreateIndex
CREATE INDEX "Session_endedAt_driver_idx" ON "Session"("endedAt", "driver");

-- CreateIndex
CREATE INDEX "Session_taskId_createdAt_id_idx" ON "Session"("taskId", "createdAt", "id");

-- CreateIndex
CREATE INDEX "Session_createdAt_id_idx" ON "Session"("createdAt", "id");

-- CreateIndex
CREATE INDEX "Session_parentSessionId_idx" ON "Session"("parentSessionId");

-- CreateIndex
CREATE INDEX "Session_retryOfId_idx" ON "Session"("retryOfId");

-- CreateIndex
CREATE INDEX "Session_forkOfId_idx" ON "Session"("forkOfId");

-- CreateIndex
CREATE INDEX "Execution_status_createdAt_id_idx" ON "Execution"("status", "createdAt", "id");

-- CreateIndex
CREATE INDEX "Execution_agentId_createdAt_id_idx" ON "Execution"("agentId", "createdAt", "id");

-- CreateIndex
CREATE INDEX "Execution_createdAt_id_idx" ON "Execution"("createdAt", "id");

-- CreateIndex
CREATE UNIQUE INDEX "Execution_sessionId_key_key" ON "Execution"("sessionId", "key");

-- CreateIndex
CREATE INDEX "Attempt_sessionId_idx" ON "Attempt"("sessionId");

-- CreateIndex
CREATE INDEX "Attempt_agentId_startedAt_idx" ON "Attempt"("agentId", "startedAt");

-- CreateIndex
CREATE UNIQUE INDEX "Attempt_executionId_number_key" ON "Attempt"("executionId", "number");

-- CreateIndex
CREATE INDEX "Artifact_sessionId_createdAt_id_idx" ON "Artifact"("sessionId", "createdAt", "id");

-- CreateIndex
CREATE INDEX "Artifact_executionId_createdAt_id_idx" ON "Artifact"("executionId", "createdAt", "id");

-- CreateIndex
CREATE INDEX "Artifact_sha256_idx" ON "Artifact"("sha256");

-- CreateIndex
CREATE UNIQUE INDEX "Artifact_attemptId_name_key" ON "Artifact"("attemptId", "name");

-- CreateIndex
CREATE INDEX "Verdict_executionId_seq_idx" ON "Verdict"("executionId", "seq");

-- CreateIndex
CREATE INDEX "Interrupt_sessionId_idx" ON "Interrupt"("sessionId");

-- CreateIndex
CREATE INDEX "Interrupt_executionId_idx" ON "Interrupt"("executionId");

-- CreateIndex
CREATE INDEX "Interrupt_status_createdAt_id_idx" ON "Interrupt"("status", "createdAt", "id");

-- CreateIndex
CREATE INDEX "Knowledge_projectId_createdAt_id_idx" ON "Knowledge"("projectId", "createdAt", "id");

-- CreateIndex
CREATE INDEX "Alert_status_createdAt_id_idx" ON "Alert"("status", "createdAt", "id");

-- CreateIndex
CREATE INDEX "Server_leaseUntil_idx" ON "Server"("leaseUntil");

-- AddForeignKey
ALTER TABLE "Task" ADD CONSTRAINT "Task_projectId_fkey" FOREIGN KEY ("projectId") REFERENCES "Project"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "Task" ADD CONSTRAINT "Task_parentId_fkey" FOREIGN KEY ("parentId") REFERENCES "Task"("id") ON DELETE SET NULL ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "TaskDependency" ADD CONSTRAINT "TaskDependency_taskId_fkey" FOREIGN KEY ("taskId") REFERENCES "Task"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "TaskDependency" ADD CONSTRAINT "TaskDependency_dependsOnId_fkey" FOREIGN KEY ("dependsOnId") REFERENCES "Task"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "Agent" ADD CONSTRAINT "Agent_projectId_fkey" FOREIGN KEY ("projectId") REFERENCES "Project"("id") ON DELETE SET NULL ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "Session" ADD CONSTRAINT "Session_projectId_fkey" FOREIGN KEY ("projectId") REFERENCES "Project"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "Session" ADD CONSTRAINT "Session_taskId_fkey" FOREIGN KEY ("taskId") REFERENCES "Task"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "Session" ADD CONSTRAINT "Session_parentSessionId_fkey" FOREIGN KEY ("parentSessionId") REFERENCES "Session"("id") ON DELETE SET NULL ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "Session" ADD CONSTRAINT "Session_retryOfId_fkey" FOREIGN KEY ("retryOfId") REFERENCES "Session"("id") ON DELETE SET NULL ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "Session" ADD CONSTRAINT "Session_forkOfId_fkey" FOREIGN KEY ("forkOfId") REFERENCES "Session"("id") ON DELETE SET NULL ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "Plan" ADD CONSTRAINT "Plan_sessionId_fkey" FOREIGN KEY ("sessionId") REFERENCES "Session"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "Execution" ADD CONSTRAINT "Execution_sessionId_fkey" FOREIGN KEY ("sessionId") REFERENCES "Session"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "Execution" ADD CONSTRAINT "Execution_agentId_fkey" FOREIGN KEY ("agentId") REFERENCES "Agent"("id") ON DELETE SET NULL ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "Attempt" ADD CONSTRAINT "Attempt_sessionId_fkey" FOREIGN KEY ("sessionId") REFERENCES "Session"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "Attempt" ADD CONSTRAINT "Attempt_executionId_fkey" FOREIGN KEY ("executionId") REFERENCES "Execution"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "Attempt" ADD CONSTRAINT "Attempt_agentId_fkey" FOREIGN KEY ("agentId") REFERENCES "Agent"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "Journal" ADD CONSTRAINT "Journal_sessionId_fkey" FOREIGN KEY ("sessionId") REFERENCES "Session"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "Checkpoint" ADD CONSTRAINT "Checkpoint_sessionId_fkey" FOREIGN KEY ("sessionId") REFERENCES "Session"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "Activity" ADD CONSTRAINT "Activity_executionId_fkey" FOREIGN KEY ("executionId") REFERENCES "Execution"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "Artifact" ADD CONSTRAINT "Artifact_sessionId_fkey" FOREIGN KEY ("sessionId") REFERENCES "Session"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "Artifact" ADD CONSTRAINT "Artifact_executionId_fkey" FOREIGN KEY ("executionId") REFERENCES "Execution"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "Verdict" ADD CONSTRAINT "Verdict_sessionId_fkey" FOREIGN KEY ("sessionId") REFERENCES "Session"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "Verdict" ADD CONSTRAINT "Verdict_executionId_fkey" FOREIGN KEY ("executionId") REFERENCES "Execution"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "Interrupt" ADD CONSTRAINT "Interrupt_sessionId_fkey" FOREIGN KEY ("sessionId") REFERENCES "Session"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "Interrupt" ADD CONSTRAINT "Interrupt_executionId_fkey" FOREIGN KEY ("executionId") REFERENCES "Execution"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "Knowledge" ADD CONSTRAINT "Knowledge_projectId_fkey" FOREIGN KEY ("projectId") REFERENCES "Project"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "Alert" ADD CONSTRAINT "Alert_projectId_fkey" FOREIGN KEY ("projectId") REFERENCES "Project"("id") ON DELETE SET NULL ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "Alert" ADD CONSTRAINT "Alert_sessionId_fkey" FOREIGN KEY ("sessionId") REFERENCES "Session"("id") ON DELETE SET NULL ON UPDATE CASCADE;
