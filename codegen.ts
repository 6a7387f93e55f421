import type { CodegenConfig } from '@graphql-codegen/cli'

/** Types for the documents of the command line and of the tests, from schema.graphql alone. */
const config: CodegenConfig = {
  schema: 'schema.graphql',
  documents: ['src/cli/**/*.ts', 'src/mcpServer/**/*.ts', 'test/graphql/**/*.ts'],
  ignoreNoDocuments: true,
  importExtension: '.ts',
  generates: {
    'src/generated/gql/': {
      preset: 'client',
      presetConfig: { fragmentMasking: false },
      config: {
        documentMode: 'string',
        useTypeImports: true,
        enumsAsTypes: true,
        defaultScalarType: 'unknown',
        scalars: { DateTime: 'string', Duration: 'number', JSON: 'unknown' },
      },
    },
  },
}

export default config
