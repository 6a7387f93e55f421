import { executionById } from '../core/draft.ts'
import { type Examined, waitsForJudge } from '../core/execution.ts'
import type { Check, Gate, Verdict } from '../core/gate.ts'
import { isTooDeep, type Json, MAX_DEPTH, wellFormed } from '../core/json.ts'
import { checksOf, commitsWith, headOf, isIsolated } from '../core/merge.ts'
import type { PlanNode } from '../core/plan.ts'
import { select } from '../core/select.ts'
import type { SessionState } from '../core/state.ts'
import { askedOf } from '../core/verdict.ts'
import type { Outcome, Work } from '../runtime.ts'
import { again } from './again.ts'
import type { Tools } from './tools.ts'
import { baseOf } from './place.ts'
import { stricter } from './stricter.ts'
import { allowanceOf, taskOf } from './work.ts'

/** A gate that has to be looked at, and the result that it is for. */
interface Looking {
  state: SessionState
  node: PlanNode
  executionId: string
  candidate: Examined
  workspace: string
}

interface Seen {
  verdict: Verdict
  evidence: Json
  /** What a judge has used. */
  usage?: Json
}

/** Characters of a program's output that are handed on as feedback. */
const MAX_FEEDBACK = 4_000
/** Characters of JSON that a verdict may leave as evidence. */
const MAX_EVIDENCE = 262_144
/** Paths that a verdict on files names. */
const MAX_PATHS = 1_000

/**
 * Lets the gates of a result that need looking at give their verdicts, one after the other, until the result is accepted,
 * rejected, or waits for somebody.
 */
export async function validate(
  parts: Tools,
  sessionId: string,
  executionId: string,
  signal: AbortSignal,
): Promise<void> {
  const { sessions, store } = parts
  while (!signal.aborted) {
    const state = await sessions.read(sessionId)
    const execution = state && executionById(state, executionId)
    const node = state && execution && state.plan.nodes[execution.position]
    const { gate: index, candidate } = execution ?? {}
    const gate = index === undefined || !state || !node ? undefined : checksOf(state, node.key)[index]
    if (!state || !node || !gate || !candidate || execution?.status !== 'VALIDATING') return
    if (waitsForJudge(execution, node.gates)) return
    const workspace = (await store.workspace(state.projectId)) ?? ''
    const looking = { state, node, executionId, candidate, workspace }
    const seen = await lookAt(parts, gate, looking, signal).catch((error: Error): Seen => {
      return { verdict: { kind: 'ERROR', message: error.message }, evidence: {} }
    })
    const asked = askedOf(execution)
    if (signal.aborted) {
      // It has used something all the same; whoever goes on with the session asks another one.
      const { usage = {} } = seen
      if (gate.kind === 'JUDGE') await sessions.advance(sessionId, { type: 'JUDGE_LOST', ...asked, usage })
      return
    }
    // Not by asking once more: a verdict costs what it costs.
    const told = { type: 'VERDICT', ...asked, ...storable(seen) } as const
    await again(parts, signal, () => sessions.advance(sessionId, told))
  }
}

/** What agents and programs say need not be what a database takes. */
function storable({ verdict, evidence, usage }: Seen): Seen {
  const used = usage === undefined ? {} : { usage }
  if (isTooDeep(evidence)) {
    return {
      ...used,
      verdict: { kind: 'ERROR', message: `its words are nested deeper than ${MAX_DEPTH} levels` },
      evidence: {},
    }
  }
  const characters = JSON.stringify(evidence).length
  if (characters > MAX_EVIDENCE) {
    const message = `it said ${characters} characters, the limit is ${MAX_EVIDENCE}`
    return { ...used, verdict: { kind: 'ERROR', message }, evidence: {} }
  }
  return {
    ...used,
    verdict: wellFormed({ ...verdict } as unknown as Json) as unknown as Verdict,
    evidence: wellFormed(evidence),
  }
}

/** Looks at a result where it can be seen: what was changed in a worktree is in the workspace itself not yet. */
async function lookAt(parts: Tools, gate: Check, looking: Looking, signal: AbortSignal): Promise<Seen> {
  const { state, node, candidate, workspace } = looking
  if (gate.kind === 'MERGE') return bringTogether(parts, looking)
  if (!isIsolated(state)) return look(parts, gate, looking, signal)
  const commit = candidate.commit ?? candidate.before ?? (await baseOf(parts, state, node.key))
  const id = parts.newId()
  try {
    const worktree = await parts.worktrees.open(workspace, commit, parts.artifacts.worktree(id))
    return await look(parts, gate, { ...looking, workspace: worktree.path }, signal).finally(worktree.close)
  } finally {
    await parts.artifacts.closeFolder(id)
  }
}

/** Whether a result goes together with those that were accepted before it. */
async function bringTogether({ worktrees }: Tools, { state, node, candidate, workspace }: Looking): Promise<Seen> {
  const onto = headOf(state)
  const commit = candidate.commit as string
  const merged = await worktrees.merge(workspace, state.id, commitsWith(state, node.key, commit))
  if (merged.kind === 'MERGED') {
    const { commit: head } = merged
    // Nobody is told that it is accepted before it can be seen. At the end it is shown as it was accepted.
    const branch = state.parentSessionId === undefined ? await worktrees.publish(workspace, state.id, head) : undefined
    const shown = branch === undefined ? {} : { branch }
    return { verdict: { kind: 'ACCEPT', merged: { onto, head, ...shown } }, evidence: { commit, onto, head, ...shown } }
  }
  const paths = merged.paths.slice(0, MAX_PATHS)
  const feedback = `${paths.join(', ')}: what was changed there does not go together with what was accepted meanwhile. Do it again on top of that.`
  return { verdict: { kind: 'REJECT', feedback }, evidence: { commit, onto, conflict: merged.commit, paths } }
}

function look(parts: Tools, gate: Gate, looking: Looking, signal: AbortSignal): Promise<Seen> {
  if (gate.kind === 'COMMAND') return runCommand(parts, gate.command, looking, signal)
  if (gate.kind === 'FILES') return checkFiles(parts, gate, looking)
  if (gate.kind === 'JUDGE') return askJudge(parts, gate, looking, signal)
  throw new Error(`a gate ${gate.kind} needs no looking at`)
}

async function runCommand(parts: Tools, command: string, looking: Looking, signal: AbortSignal): Promise<Seen> {
  const { node } = looking
  const about = { title: `Check "${node.title}"`, description: `The command ${command} has to end with 0.` }
  const agent = { id: '', name: command, type: 'TESTING' as const }
  const asked = { ...about, agent, input: null, allowance: { tokens: null, cost: null } }
  const driven = await drive(parts, 'command', { command }, asked, looking, signal)
  const { outcome, shown } = driven
  const checks = 'evidence' in outcome ? outcome.evidence : []
  const evidence = { command, outcome: outcome.kind, checks: checks as unknown as Json, output: shown }
  // How it ended decides alone: a check may be silent, and findings are none to be accepted.
  const exit = checks.find(({ kind }) => kind === 'EXIT_CODE')
  if (!exit) return { verdict: { kind: 'ERROR', message: whyNot(command, outcome) }, evidence }
  if (exit.passed) return { verdict: { kind: 'ACCEPT' }, evidence }
  const why = outcome.kind === 'ERROR' ? outcome.error.message : 'it found something'
  return { verdict: { kind: 'REJECT', feedback: `${command}: ${why}\n${shown}`.trim() }, evidence }
}

function whyNot(name: string, outcome: Outcome): string {
  if (outcome.kind === 'ERROR') return `${name}: ${outcome.error.message}`
  if (outcome.kind === 'NOTHING') return `${name} says that it is done, but ${outcome.why}`
  return outcome.kind === 'TIMEOUT' ? `${name} took too long` : `${name} ended ${outcome.kind}`
}

async function checkFiles(
  parts: Tools,
  { exist = [], changed = [] }: Extract<Gate, { kind: 'FILES' }>,
  looking: Looking,
): Promise<Seen> {
  const { workspaces } = parts
  const { workspace, candidate } = looking
  const missing: string[] = []
  for (const path of exist) if (!(await workspaces.holds(workspace, path))) missing.push(path)
  if (changed.length > 0 && candidate.before === undefined) {
    throw new Error('the workspace is no git repository: what has changed cannot be told')
  }
  const differs = changed.length > 0 ? await changedSince(parts, looking) : []
  const same = changed.filter((path) => !differs.some((one) => one === path || one.startsWith(`${path}/`)))
  const problems = [
    ...missing.map((path) => `${path} does not exist`),
    ...same.map((path) => `${path} has not changed`),
  ]
  const evidence = { exist: [...exist], missing, changed: differs.slice(0, MAX_PATHS), same }
  if (problems.length === 0) return { verdict: { kind: 'ACCEPT' }, evidence }
  return { verdict: { kind: 'REJECT', feedback: problems.join('; ') }, evidence }
}

async function changedSince(
  { workspaces, worktrees, store }: Tools,
  { state, candidate, workspace }: Looking,
): Promise<string[]> {
  const { before, commit } = candidate
  if (!isIsolated(state)) return workspaces.changed(workspace, before)
  if (before === undefined || commit === undefined) return []
  const changes = await worktrees.changes((await store.workspace(state.projectId)) as string, before, commit)
  return changes.map(({ path }) => path)
}

async function askJudge(
  parts: Tools,
  { criteria, agent: name }: Extract<Gate, { kind: 'JUDGE' }>,
  looking: Looking,
  signal: AbortSignal,
): Promise<Seen> {
  const { state, node, candidate } = looking
  const everybody = await parts.directory.agentsOf(state.projectId)
  // Nobody judges what is their own.
  const agents = everybody.filter(({ id }) => id !== state.executions[node.key]?.agentId)
  const wanted = { capabilities: name === undefined ? ['judge'] : [], text: criteria, ...(name && { agent: name }) }
  const { ranked } = select(
    wanted,
    agents.map((agent) => ({ agent, running: 0 })),
  )
  const judge = agents.find(({ id }) => id === ranked[0]?.agentId)
  if (!judge) throw new Error(`nobody else can judge: ${name ?? 'no agent offers the capability judge'}`)
  const { output, summary, evidence } = candidate
  const about = {
    title: `Judge "${node.title}"`,
    description: `${criteria}\n\nAnswer with {"verdict": "ACCEPT"} or {"verdict": "REJECT", "feedback": "what is missing"}.`,
    agent: { id: judge.id, name: judge.name, type: judge.type },
    wanted: 'VERDICT' as const,
    input: { criteria, wanted: node.description, result: { output, summary, evidence } },
    allowance: allowanceOf(state, candidate.judge),
  }
  const limited = {
    ...looking,
    node: { ...node, timeouts: { ...node.timeouts, ...stricter(node.timeouts, judge.timeouts) } },
  }
  const { outcome } = await drive(parts, judge.runtime, judge.runtimeConfig, about, limited, signal)
  const usage = { ...outcome.usage }
  const error = (message: string): Seen => ({ verdict: { kind: 'ERROR', message }, evidence: {}, usage })
  if (outcome.kind !== 'OK') return error(whyNot(judge.name, outcome))
  const told = readVerdict(outcome.output)
  if (!told) return error(`${judge.name} gave no verdict that can be read`)
  const said = { judge: judge.name, version: judge.version, criteria, output: outcome.output }
  return { verdict: told, evidence: said, usage }
}

/** A judge's words, if they are a verdict. */
function readVerdict(output: Json): Verdict | undefined {
  const parsed = typeof output === 'string' ? parse(output) : output
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) return undefined
  const { verdict, feedback } = parsed
  if (verdict === 'ACCEPT') return { kind: 'ACCEPT' }
  if (verdict !== 'REJECT') return undefined
  return { kind: 'REJECT', feedback: typeof feedback === 'string' && feedback !== '' ? feedback : 'no reason given' }
}

function parse(text: string): Json {
  try {
    return JSON.parse(text) as Json
  } catch {
    return null
  }
}

/** Runs a program or an agent for a gate, in the session's workspace, with a folder of its own. */
async function drive(
  parts: Tools,
  runtimeName: string,
  runtimeConfig: Json,
  about: Pick<Work, 'title' | 'description' | 'agent' | 'wanted' | 'input' | 'allowance'>,
  { state, node, executionId, workspace }: Looking,
  signal: AbortSignal,
): Promise<{ outcome: Outcome; shown: string }> {
  const runtime = parts.runtimes[runtimeName]
  if (!runtime) throw new Error(`this server has no runtime "${runtimeName}"`)
  const attemptId = parts.newId()
  const { task } = await taskOf(parts.store, state)
  const outputDir = await parts.artifacts.openFolder(attemptId)
  let shown = ''
  try {
    const running = runtime.run(
      {
        ...about,
        sessionId: state.id,
        executionId,
        attemptId,
        attempt: 1,
        fence: 0,
        key: node.key,
        task,
        upstream: [],
        feedback: [],
        replies: [],
        notes: [],
        workspace,
        outputDir,
        timeouts: { attemptMs: node.timeouts.attemptMs, idleMs: node.timeouts.idleMs },
        runtimeConfig,
      },
      signal,
    )
    for (;;) {
      const next = await running.next()
      if (next.done) return { outcome: next.value, shown }
      if (next.value.kind === 'OUTPUT') shown = `${shown}${next.value.text}\n`.slice(-MAX_FEEDBACK)
    }
  } finally {
    await parts.artifacts.closeFolder(attemptId)
  }
}
