import { describe, expect, it, vi } from 'vitest'
import { endOf, folderWith, tutti, WORKER } from './tutti.ts'

// Whole processes, on machines that are busy.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 })

describe('a run whose server goes away', () => {
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
})
