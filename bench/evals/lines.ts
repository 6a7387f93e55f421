import { createInterface } from 'node:readline'

/** Answers every line of JSON on stdin with one on stdout; an answer of `undefined` is left out. */
export async function answerLines<Question>(answer: (question: Question) => unknown): Promise<void> {
  for await (const line of createInterface({ input: process.stdin })) {
    if (line.trim() === '') continue
    const answered = answer(JSON.parse(line) as Question)
    if (answered !== undefined) process.stdout.write(`${JSON.stringify(answered)}\n`)
  }
}
