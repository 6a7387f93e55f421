import assert from 'node:assert/strict'
import { test } from 'node:test'
import { slug } from './build/slug.mjs'

test('words are joined with dashes', () => assert.equal(slug('  Two Words '), 'two-words'))
test('letters keep their sound without accents', () => assert.equal(slug('Crème brûlée'), 'creme-brulee'))
