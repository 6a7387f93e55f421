interface Page<Node> {
  nodes: readonly Node[]
  pageInfo: { hasNextPage: boolean; endCursor?: string | null }
}

/** All that a connection holds, page by page. */
export async function everyPage<Node>(load: (after: string | null) => Promise<Page<Node>>): Promise<Node[]> {
  const all: Node[] = []
  for (let after: string | null = null; ;) {
    const { nodes, pageInfo } = await load(after)
    all.push(...nodes)
    if (!pageInfo.hasNextPage || pageInfo.endCursor == null) return all
    after = pageInfo.endCursor
  }
}
