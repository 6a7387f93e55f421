import { z } from 'zod'

/** What a program with all that it starts may use. How long it may take is its attempt's own limit. */
export interface ProcessLimits {
  /** Seconds of CPU time, of all its processes together. */
  cpuSeconds: number
  /** Bytes of memory that are its own, of all its processes together. */
  memoryBytes: number
  /** Processes at once. */
  processes: number
  /** Bytes that it prints. */
  outputBytes: number
  /** Bytes of one file that it writes. */
  fileBytes: number
  /** Bytes of each of its own /tmp, /var/tmp and /dev/shm, which are memory. In the sandbox alone. */
  tmpBytes: number
}

export const DEFAULT_PROCESS_LIMITS: ProcessLimits = {
  cpuSeconds: 7_200,
  memoryBytes: 4 * 1024 ** 3,
  processes: 512,
  outputBytes: 1024 ** 3,
  fileBytes: 2 * 1024 ** 3,
  tmpBytes: 1024 ** 3,
}

const path = z.string().regex(/^(\/|~(\/|$))[^\0]*$/, 'is not an absolute path, or one that begins with ~/')
const limitsShape = z.strictObject(
  Object.fromEntries(
    (Object.keys(DEFAULT_PROCESS_LIMITS) as (keyof ProcessLimits)[]).map((name) => [
      name,
      z.int().min(1).exactOptional(),
    ]),
  ) as Record<keyof ProcessLimits, z.ZodExactOptional<z.ZodInt>>,
)

/** How programs are kept apart from the rest of the machine, as it stands in the configuration. */
export const sandboxShape = z.strictObject({
  /** auto: wherever this machine can. required: or not at all. off: never. */
  mode: z.enum(['auto', 'required', 'off']).exactOptional(),
  /** Whether it reaches more than itself. */
  network: z.boolean().exactOptional(),
  /** Whether it may write where it works. */
  workspace: z.enum(['write', 'read']).exactOptional(),
  /** What else it may read though it is hidden, or write. */
  read: z.array(path).exactOptional(),
  write: z.array(path).exactOptional(),
  /** What it does not see, beside the usual secrets. */
  hide: z.array(path).exactOptional(),
  limits: limitsShape.exactOptional(),
})

export type SandboxConfig = z.infer<typeof sandboxShape>

/** The same with everything said. */
export type SandboxSettings = Required<Omit<SandboxConfig, 'limits'>> & { limits: ProcessLimits }

/** What holds for a program: a later layer goes before an earlier one, and lists of paths add up. */
export function settingsOf(...layers: (SandboxConfig | undefined)[]): SandboxSettings {
  const said = layers.filter((layer) => layer !== undefined)
  const all = (name: 'read' | 'write' | 'hide'): string[] => said.flatMap((layer) => layer[name] ?? [])
  const base = { mode: 'auto', network: false, workspace: 'write' } as const
  return {
    ...Object.assign({}, base, ...said),
    read: all('read'),
    write: all('write'),
    hide: all('hide'),
    limits: Object.assign({}, DEFAULT_PROCESS_LIMITS, ...said.map(({ limits }) => limits)),
  }
}
