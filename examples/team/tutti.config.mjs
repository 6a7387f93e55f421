// The model behind both agents: a local one, or any that speaks the chat completions API of OpenAI.
const {
  MODEL_URL: baseURL = 'http://127.0.0.1:11434/v1',
  MODEL: model = 'qwen2.5-coder:7b',
  MODEL_KEY: key,
} = process.env
const provider = { provider: 'openai-compatible', baseURL, model, ...(key && { apiKeyEnv: 'MODEL_KEY' }) }

export default {
  models: {
    // Changes files, in a worktree of its own.
    coder: { ...provider, tools: ['read', 'list', 'search', 'write'] },
    // Only looks.
    reviewer: { ...provider, tools: ['read', 'list', 'search'] },
  },
  commands: { 'test-median': { argv: ['node', '--test', 'median.test.mjs'] } },
  agents: [
    {
      name: 'coder',
      type: 'CODEGEN',
      description: 'Writes JavaScript.',
      capabilities: ['write-code'],
      model: 'coder',
    },
    {
      name: 'reviewer',
      type: 'REVIEW',
      description: 'Judges whether code does what was asked for.',
      capabilities: ['judge'],
      model: 'reviewer',
    },
  ],
}
