import type { Logger } from 'pino'
import type { Bus } from '../bus.ts'
import { createEars } from './ears.ts'

/** A bus for one process alone. */
export function memoryBus(options: { log?: Pick<Logger, 'warn'> } = {}): Bus {
  const ears = createEars({
    onThrow: (error, topic) => options.log?.warn({ topic, error: String(error) }, 'a listener of the bus threw'),
  })
  let closed = false
  return {
    ring: (topic, seq) => ears.ring(topic, seq),
    listen: (topic, ear) => (closed ? () => {} : ears.add(topic, ear)),
    status: () => 'up',
    close: async () => {
      closed = true
      ears.clear()
    },
  }
}
