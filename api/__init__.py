"""HTTP and nothing else: OpenAI's audio routes, ours beside them, wire schemas and error shapes."""
