import { describe, expect, it } from 'vitest'
import { redact, secretsIn } from '../../src/core/secret.ts'

const chance = 'Zq7Xw2Rv9Tb4Ny6Mc1Kd8Hf3Jg5Lp0SaUeIo'

describe('secrets in a text', () => {
  it.each([
    ['private key', '-----BEGIN OPENSSH PRIVATE KEY-----'],
    ['AWS access key', 'AKIAQ7XW2RV9TB4NY6MC'],
    ['GitHub token', `ghp_${chance}`],
    ['GitLab token', `glpat-${chance}`],
    ['Slack token', `xoxb-${chance}`],
    ['Google API key', `AIza${chance.slice(0, 35)}`],
    ['Stripe key', `sk_live_${chance}`],
    ['npm token', `npm_${chance}`],
    ['token of this server', `tutti_${chance}1234aBc`],
    ['API key', `sk-ant-${chance}`],
  ])('are found by their form: a %s', (name, secret) => {
    expect(secretsIn(`Use it:\n${secret} from now on.`)).toEqual([{ name, secret, at: 8 }])
  })

  it('are none in words, in hashes, and in examples', () => {
    expect(secretsIn('The token is in the variable GITHUB_TOKEN, and sk-learn is a library.')).toEqual([])
    expect(secretsIn('d2c7e0f8a5b14cf1a3f2c8d95e0b7a64')).toEqual([])
    expect(secretsIn('AKIAIOSFODNN7EXAMPLE')).toEqual([])
  })

  it('are shown by their first characters alone', () => {
    expect(redact(`ghp_${chance}`)).toBe('ghp_… (40 characters)')
    expect(redact('-----BEGIN PRIVATE KEY-----')).toBe('a key block')
  })
})
