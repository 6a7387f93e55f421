import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { endOf, folderWith, tutti, WORKER } from './tutti.ts'

describe.concurrent('a run whose server goes away', () => {
  it('becomes the server of the data directory and sees its session to the end', async () => {
    const home = folderWith({
      ...WORKER,
      'work.sh': 'echo busy; test -f again || { touch again; sleep 60; }; echo done',
    })
    const serve = tutti(home, 'serve', '--port', '0')
    await serve.says(/Ctrl-C stops the server/)
    const run = tutti(home, 'run', 'Do the work', '--no-report')
    await run.says(/\| busy/)
    serve.child.kill('SIGKILL')
    const { stdout } = await endOf(run, 0)
    expect(stdout).toContain('the connection is lost')
    expect(stdout).toContain('going on with 1 unfinished session')
    expect(stdout).toContain('attempt 2 starts with worker')
    expect(stdout).toMatch(/SUCCEEDED in /)
  })
  it('is killed, and the next run goes on with its session too and says how to watch it', async () => {
    const home = folderWith({
      ...WORKER,
      'work.sh': 'echo busy; if mkdir first; then sleep 600; fi; until test -f go; do sleep 0.1; done; echo done',
    })
    const killed = tutti(home, 'run', 'Do the work', '--no-report', '--title', 'The first one')
    await killed.says(/\| busy/)
    const [id = ''] = /[\da-f]{8}-[\da-f-]{27}/.exec(killed.stdout()) ?? []
    killed.child.kill('SIGKILL')
    await killed.ended
    const next = tutti(home, 'run', 'Do the work', '--no-report')
    await next.says(/\| busy/)
    expect(next.stdout()).toContain('going on with 1 unfinished session too, as long as this server runs\n')
    expect(next.stdout()).toContain(`\n  ${id} running: The first one (\`tutti watch ${id}\`)\n`)
    const watching = tutti(home, 'watch', id)
    await watching.says(/attempt 2 starts with worker/)
    writeFileSync(join(home, 'go'), '')
    await endOf(next, 0)
    // Its server may have left with the other session, before the last word came.
    expect(watching.stdout()).toContain('The first one')
  })
})
