/**
 * Writes one report for people from the results of other agents.
 */
import { runAgent } from './protocol/agent.ts'
import { count } from './protocol/wording.ts'
import { composeReport, renderReport } from './report/compose.ts'

await runAgent(async ({ work, say, keep }) => {
  const report = composeReport(work.task.title, work.workspace, work.upstream)
  say(`read the results of ${count(report.parts.length, 'part')}`)
  await keep('report.md', renderReport(report), 'REPORT', 'text/markdown')
  const parts = report.parts.map(({ sections: _, artifacts, ...part }) => ({
    ...part,
    artifacts: artifacts.map(({ name }) => name),
  }))
  await keep(
    'report.json',
    `${JSON.stringify({ title: report.title, verdict: report.verdict, parts, results: work.upstream.map((result) => ({ ...result, artifacts: result.artifacts.map(({ path: _, ...artifact }) => artifact) })) }, null, 1)}\n`,
    'JSON',
    'application/json',
  )
  const missing = parts.filter((part) => !part.done)
  return {
    summary: report.verdict,
    output: { format: 'report', verdict: report.verdict, report: 'report.md', parts },
    evidence: [
      {
        name: 'every part has a result',
        kind: 'COUNT',
        passed: missing.length === 0,
        detail: { parts: parts.length, missing: missing.map(({ key }) => key) },
      },
    ],
  }
})
