import assert from 'node:assert/strict'
import { test } from 'node:test'

// It is what has to be written.
const { median } = await import(new URL('median.mjs', import.meta.url).href)

test('the median of an odd number of numbers is the one in the middle', () => {
  assert.equal(median([10, 9, 1]), 9)
})

test('the median of an even number of numbers is the mean of the two in the middle', () => {
  const numbers = [4, 1, 3, 2]
  assert.equal(median(numbers), 2.5)
  assert.deepEqual(numbers, [4, 1, 3, 2])
})

test('no numbers have no median', () => {
  assert.throws(() => median([]), RangeError)
})
