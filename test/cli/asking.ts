import type { ConfigFile } from '../../src/configFile.ts'

/** An agent that asks where to, and one whose result a person has to approve. */
export const ASKING: Record<string, string> = {
  'tutti.config.json': JSON.stringify({
    builtinAgents: false,
    commands: { ask: { argv: ['node', 'ask.mjs'] }, say: { argv: ['sh', 'say.sh'] } },
    agents: [
      { name: 'asker', command: 'ask', capabilities: ['ask'] },
      { name: 'sayer', command: 'say', capabilities: ['say'] },
    ],
  } satisfies ConfigFile),
  'ask.mjs': `import { readFileSync, writeFileSync } from 'node:fs'
const work = JSON.parse(readFileSync(0, 'utf8'))
const [reply] = work.replies
const result = reply
  ? { summary: 'went to ' + reply.text, output: { where: reply.text, data: reply.data } }
  : { ask: { kind: 'QUESTION', question: 'Where to?', shown: { places: ['here', 'there'] } } }
writeFileSync(work.outputDir + '/result.json', JSON.stringify(result))
`,
  'say.sh': 'echo done; echo "draft ${TUTTI_ATTEMPT}" > "$TUTTI_OUTPUT_DIR/draft.txt"',
  'ask.json': JSON.stringify({
    task: { title: 'A trip', description: '', subTasks: [{ key: 'go', title: 'Go there', agent: 'asker' }] },
    pattern: 'SEQUENTIAL',
  }),
  'approve.json': JSON.stringify({
    task: {
      title: 'A text',
      description: '',
      subTasks: [
        { key: 'text', title: 'Write it', agent: 'sayer', gates: [{ person: { question: 'May it be published?' } }] },
      ],
    },
    pattern: 'SEQUENTIAL',
  }),
}
