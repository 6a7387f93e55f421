/** Turns offsets into line numbers. */
export interface LineIndex {
  /** 1-based line of a 0-based character offset. */
  at: (offset: number) => number
  count: number
}

/** Line starts of a text, searched by halving. */
export function lineIndex(text: string): LineIndex {
  const starts = [0]
  for (let next = text.indexOf('\n'); next >= 0; next = text.indexOf('\n', next + 1)) starts.push(next + 1)
  return {
    at(offset) {
      let low = 0
      let high = starts.length - 1
      while (low < high) {
        const middle = (low + high + 1) >> 1
        if (starts[middle]! <= offset) low = middle
        else high = middle - 1
      }
      return low + 1
    },
    count: countLines(text),
  }
}

/** Lines of a text; a last line without a newline counts, an empty text has none. */
export function countLines(text: string): number {
  if (text === '') return 0
  let count = 0
  for (let next = text.indexOf('\n'); next >= 0; next = text.indexOf('\n', next + 1)) count++
  return text.endsWith('\n') ? count : count + 1
}
