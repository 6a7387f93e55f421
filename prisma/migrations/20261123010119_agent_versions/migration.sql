-- CreateTable
CREATE TABLE "AgentVersion" (
    "agentId" UUID NOT NULL,
    "version" INTEGER NOT NULL,
    "registration" JSONB NOT NULL,
    "createdAt" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "AgentVersion_pkey" PRIMARY KEY ("agentId","version")
);

-- AddForeignKey
ALTER TABLE "AgentVersion" ADD CONSTRAINT "AgentVersion_agentId_fkey" FOREIGN KEY ("agentId") REFERENCES "Agent"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- What is registered now is the first that is kept.
INSERT INTO "AgentVersion" ("agentId", "version", "registration", "createdAt")
SELECT "id", "version",
  jsonb_build_object('type', "type", 'description', "description", 'capabilities', to_jsonb("capabilities"), 'runtime', "runtime",
    'runtimeConfig', "runtimeConfig", 'slots', "slots", 'timeouts', "timeouts", 'workspace', "workspace", 'origin', "origin"),
  CASE WHEN "version" = 1 THEN "createdAt" ELSE "updatedAt" END
FROM "Agent";
