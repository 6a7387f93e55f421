import { resolve } from 'node:path'
import { serveStdio } from '@modelcontextprotocol/server/stdio'
import { type Ask, Refused } from '../../mcpServer/ask.ts'
import { createMcpServer } from '../../mcpServer/server.ts'
import { Unreachable } from '../client.ts'
import type { ServerOptions } from '../home.ts'
import { ensureProject } from '../project.ts'
import { openServer } from '../server.ts'

interface McpOptions extends ServerOptions {
  /** Folder that is worked in when a call names no project. */
  repo: string
}

/**
 * `tutti mcp`: an MCP server on the streams of this process, until whoever speaks with it leaves. stdout is the protocol's
 * alone. Returns the exit code.
 */
export async function mcp(options: McpOptions, version: string): Promise<number> {
  const server = await openServer(options, { embed: true, say: (text) => process.stderr.write(`${text}\n`) })
  const ask: Ask = async (document, variables) => {
    try {
      return await server.client.ask(document, variables)
    } catch (error) {
      if (!(error instanceof Unreachable)) throw error
      // Whoever asked decides whether to ask again: it may have been done.
      await server.reopen()
      throw new Refused(`${error.message} Look at what has become of it before you ask again.`)
    }
  }
  let project: Promise<string> | undefined
  const home = (): Promise<string> => {
    project ??= ensureProject(server.client, resolve(options.repo))
    project.catch(() => (project = undefined))
    return project
  }
  const speaking = serveStdio(() => createMcpServer({ ask, version, ...(options.server === undefined && { home }) }))
  try {
    await left()
    return 0
  } finally {
    await speaking.close()
    await server.close()
  }
}

/** Resolves once nobody speaks any more, or this is to stop. */
function left(): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolve())
    process.stdin.once('end', () => resolve()).once('close', () => resolve())
  })
}
