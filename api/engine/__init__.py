"""The dialect of Harmony Speech Engine, whose clients keep working: its bodies, answers and listings.

Its routes have the paths of OpenAI's. So a route of `api/` tells the two apart once, by the body or by
what is accepted, and runs the same pipeline for both; here is only what they look like on the wire.
An empty string stands for a field that is not given, as there. What the published clients always send
is accepted while it changes nothing; what would change the answer and cannot be done is refused by name.
"""
