import { describe, expect, it } from 'vitest'
import { decompose } from '../../../src/core/decompose.ts'

/** The sub-tasks of a description as `key <- keys that it depends on`. */
function graph(description: string): string[] {
  return decompose({ title: '', description }).subTasks.map(({ key, dependsOn }) =>
    dependsOn.length === 0 ? key : `${key} <- ${dependsOn.join(' ')}`,
  )
}

describe('order words', () => {
  it('make "then" a barrier for all that follows', () => {
    expect(graph('lint the code, run the tests, then publish the package and announce the version')).toEqual([
      'lint-code',
      'run-tests',
      'publish-package <- lint-code run-tests',
      'announce-version <- lint-code run-tests',
    ])
  })

  it('put sentences after one that says "first"', () => {
    expect(graph('First, gather the data. Build a model. Finally, write a report.')).toEqual([
      'gather-data',
      'build-model <- gather-data',
      'write-report <- build-model',
    ])
    expect(graph('Please help me first create a file, then delete the folder')).toHaveLength(2)
  })

  it.each([
    ['Check the licence before publishing the package', ['check-licence', 'publish-package <- check-licence']],
    ['Before publishing the package, check the licence', ['check-licence', 'publish-package <- check-licence']],
    ['Publish the package after checking the licence', ['check-licence', 'publish-package <- check-licence']],
    ['After checking the licence, publish the package', ['check-licence', 'publish-package <- check-licence']],
    ['Check the licence; after that, publish the package', ['check-licence', 'publish-package <- check-licence']],
    ['Check the licence. Once done, publish the package', ['check-licence', 'publish-package <- check-licence']],
    ['Check the licence, followed by a walk', ['check-licence', 'walk <- check-licence']],
  ])('are understood in "%s"', (text, expected) => {
    expect(graph(text)).toEqual(expected)
  })

  it('let a condition mean the part that it speaks of', () => {
    expect(graph('Run the tests and lint the code. Once the tests pass, publish the package.')).toEqual([
      'run-tests',
      'lint-code',
      'publish-package <- run-tests',
    ])
    expect(
      graph('Run the tests and lint the code. Publish the package once the tests pass, whatever it takes.'),
    ).toEqual(['run-tests', 'lint-code', 'publish-package-once-tests <- run-tests'])
    expect(graph('Run the tests. If the moon is full, sing a song.')).toEqual(['run-tests', 'sing-song'])
  })

  it('let "after doing something" mean the part that was named before', () => {
    expect(graph('Run the tests, lint the code. After running the tests, publish the package.')).toEqual([
      'run-tests',
      'lint-code',
      'publish-package <- run-tests',
    ])
    expect(graph('Run the tests, lint the code. Publish the package after running the tests.')).toEqual([
      'run-tests',
      'lint-code',
      'publish-package <- run-tests',
    ])
  })

  it('add up', () => {
    expect(graph('Lint the code. Then, after checking the licence, publish the package.')).toEqual([
      'lint-code',
      'check-licence <- lint-code',
      'publish-package <- check-licence',
    ])
    expect(graph('Lint the code, then make sure that it runs')).toHaveLength(2)
    expect(graph('Lint the code and make sure that it runs')).toHaveLength(1)
  })

  it('treat "after the meeting" as a barrier', () => {
    expect(graph('Print the slides. After the meeting, send the minutes.')).toEqual([
      'print-slides',
      'send-minutes <- print-slides',
    ])
  })

  it('leave independent what happens at the same time', () => {
    expect(graph('Run the tests while reviewing the code, and meanwhile lint the files')).toEqual([
      'run-tests',
      'review-code',
      'lint-files',
    ])
    expect(graph('While running the tests, lint the files')).toEqual(['run-tests', 'lint-files'])
    expect(graph('During the night, run the tests and lint the files')).toEqual(['run-tests', 'lint-files'])
  })
})

describe('clauses', () => {
  it('joined by commas and "and" are independent', () => {
    const { method, reasons } = decompose({
      title: '',
      description: 'lint the code, run the tests and write a summary',
    })
    expect(method).toBe('CLAUSES')
    expect(reasons[0]).toContain('no word puts one before another')
  })

  it('depend on what they work on', () => {
    expect(
      graph('Write a summary of the paper, translate the summary into German and send me the translation'),
    ).toEqual([
      'write-summary-paper',
      'translate-summary-german <- write-summary-paper',
      'send-translation <- translate-summary-german',
    ])
    expect(graph('Download the file and print it')).toEqual(['download-file', 'print <- download-file'])
    expect(graph('Generate an image, paint the door and frame the image')[2]).toBe('frame-image <- generate-image')
    expect(graph('Check the index, lint the code and write a report on the findings')[2]).toBe(
      'write-report-findings <- check-index lint-code',
    )
    expect(graph('Query the server and act based on the answer')).toHaveLength(2)
  })

  it('do not depend on a thing that an earlier one left as it was', () => {
    expect(graph('Review the code and document it')).toEqual(['review-code', 'document'])
  })

  it('share an object', () => {
    expect(graph('review, test and document the module')).toEqual(['review-module', 'test-module', 'document-module'])
  })

  it('are told from nouns and from the inside of a purpose', () => {
    expect(graph('Write a script to install and run the app')).toHaveLength(1)
    expect(graph('Check the design and test results')).toHaveLength(1)
    expect(graph('Check spelling, grammar and style')).toHaveLength(1)
    expect(graph('Combine the photos, to create a panorama')).toHaveLength(1)
    expect(graph('Describe the time before breakfast and after dinner')).toHaveLength(1)
    expect(graph('Something before and after')).toHaveLength(1)
  })

  it('begin with an unknown verb if an object follows', () => {
    expect(graph('Frobnicate the widgets, defenestrate the logs')).toEqual(['frobnicate-widgets', 'defenestrate-logs'])
  })

  it('may be gerunds', () => {
    expect(graph('Tasks: analysing the structure, running the tests')).toEqual(['analyse-structure', 'run-tests'])
  })

  it('may be wishes and questions', () => {
    expect(graph("I'd like to book a room and I need a taxi. Can you also tell me what it costs?")).toHaveLength(3)
    expect(graph('What does it cost? Who sells it?')).toHaveLength(2)
    expect(graph('I want a poem. We would like a song.')).toHaveLength(2)
    expect(graph('The server is old and I would like to replace the disk and update the kernel')).toHaveLength(2)
  })

  it('do not begin inside quotations, code, addresses, asides, numbers and abbreviations', () => {
    for (const inside of [
      '"stop, then run it"',
      "'stop, then don't run it'",
      '`stop, then run it`',
      '(stop, then run it)',
      'https://x.y/then,run.it',
      'a, e.g. the 1,000.5 b.c, etc. in no. 5',
    ]) {
      expect(graph(`Print ${inside} on paper`)).toHaveLength(1)
    }
    expect(graph('Print ```\nfirst this.\nThen delete it.\n``` on paper')).toHaveLength(1)
    expect(graph('Wake me at 7 a.m. tomorrow')).toHaveLength(1)
    expect(graph('Wake me at 7 a.m. Then call the boss')).toHaveLength(2)
  })

  it('take facts from the sentences between them, and rules for all of them', () => {
    const { subTasks } = decompose({
      title: '',
      description:
        'The shop is small. Write the docs. They are for beginners. Lint the code. Never touch main; make sure it is fast.',
    })
    expect(subTasks.map((subTask) => subTask.key)).toEqual(['write-docs', 'lint-code'])
    expect(subTasks[0]?.description).toBe(
      'Write the docs. They are for beginners\n\nContext: The shop is small. Never touch main. make sure it is fast',
    )
  })

  it('take facts from the sentence that they stand in', () => {
    const { subTasks } = decompose({
      title: '',
      description: 'I have a text in French, then translate the text and print the text',
    })
    expect(subTasks).toHaveLength(2)
    expect(subTasks[0]?.description).toContain('Context: a text in French')
  })

  it('are split over lines as over sentences, unless a line merely wraps', () => {
    expect(graph('Lint the code\nRun the tests')).toHaveLength(2)
    expect(graph('lint the code\nrun the tests')).toHaveLength(2)
    expect(graph('Lint the\ncode and run the tests\nof the module')).toHaveLength(2)
  })

  it('end where sentences of other scripts end', () => {
    expect(decompose({ title: '', description: '分析代码。运行测试。' }).subTasks).toHaveLength(1)
    expect(graph('Lint the code。Run the tests！')).toHaveLength(2)
  })
})
