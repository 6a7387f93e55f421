/**
 * Reads a repository's source for mistakes, secrets and what was left behind, without running anything of it.
 */
import { runAgent } from './protocol/agent.ts'
import { count } from './protocol/wording.ts'
import { readRepository, readText, saysGenerated } from './repository/files.ts'
import { readFunctions } from './repository/functions.ts'
import { isTest } from './repository/paths.ts'
import { askPython } from './repository/python.ts'
import { countBy, rankFindings } from './review/finding.ts'
import type { Finding } from './review/finding.ts'
import { lint } from './review/oxlint.ts'
import { LONG_FUNCTION, checkLines } from './review/text-checks.ts'

/** Findings beyond these are in the counts and in findings.json, not in the output. */
const LISTED = 200
const KEPT = 10_000

await runAgent(async ({ work, say, keep, timeLeft }) => {
  const repository = await readRepository(work.workspace)
  say(`found ${count(repository.files.length, 'file')}`)
  const notes = [...repository.notes]
  const findings: Finding[] = []

  const linted = await lint(repository, timeLeft)
  findings.push(...linted.findings)
  notes.push(...linted.notes)
  say(
    `linted ${count(linted.files, 'file')} by ${linted.rules === 'repository' ? "the repository's own" : 'built-in'} rules: ${count(linted.findings.length, 'finding')}`,
  )

  let read = 0
  for (const file of repository.files) {
    if (timeLeft() === 0) {
      notes.push(`Only the first ${read} files were read (limit of time).`)
      break
    }
    const text = readText(repository.root, file)
    if (text === undefined || saysGenerated(text)) continue
    read++
    // What tests are made with is broken on purpose, but a secret in it is a secret.
    const found = checkLines(file, text)
    findings.push(...(file.material ? found.filter(({ rule }) => rule === 'secret') : found))
    if (file.test) continue
    for (const { name, line, lines } of readFunctions(file.path, file.language, text)) {
      if (lines <= LONG_FUNCTION) continue
      findings.push({
        file: file.path,
        line,
        severity: 'info',
        rule: 'long-function',
        message: `${name} has ${lines} lines.`,
      })
    }
  }
  say(`read ${count(read, 'file')} for secrets, conflicts, focused tests and TODOs`)

  const python = repository.files
    .filter((file) => file.language === 'Python' && !file.material)
    .map((file) => file.path)
  if (python.length > 0) {
    const broken = await askPython<{ file: string; line: number; message: string }>(
      'python_syntax.py',
      repository.root,
      python,
      timeLeft,
    )
    if (broken === undefined) notes.push('python3 is not installed here, so Python syntax was not checked.')
    else say(`parsed ${count(python.length, 'Python file')}: ${broken.length} with syntax errors`)
    for (const { file, line, message } of broken ?? [])
      findings.push({ file, line, severity: 'error', rule: 'python-syntax', message })
  }

  const ranked = rankFindings(findings, isTest)
  const bySeverity = { error: 0, warning: 0, info: 0, ...countBy(ranked, 'severity') }
  const secrets = ranked.filter((finding) => finding.rule === 'secret' && finding.severity !== 'info').length
  const conflicts = ranked.filter((finding) => finding.rule === 'merge-conflict').length
  await keep('findings.json', `${JSON.stringify(ranked.slice(0, KEPT), null, 1)}\n`, 'JSON', 'application/json')
  return {
    summary:
      repository.files.length === 0
        ? 'The folder has no files to review.'
        : `${count(bySeverity.error, 'error')}, ${count(bySeverity.warning, 'warning')} and ${count(bySeverity.info, 'remark')} in ${count(read, 'file')}.`,
    output: {
      format: 'review',
      total: ranked.length,
      bySeverity,
      byRule: countBy(ranked, 'rule'),
      filesRead: read,
      filesLinted: linted.files,
      rules: linted.rules,
      findings: ranked.slice(0, LISTED),
      notes,
    },
    evidence: [
      { name: 'no errors found', kind: 'COUNT', passed: bySeverity.error === 0, detail: bySeverity },
      { name: 'no secrets', kind: 'COUNT', passed: secrets === 0, detail: { secrets } },
      { name: 'no merge conflicts', kind: 'COUNT', passed: conflicts === 0, detail: { conflicts } },
    ],
  }
})
