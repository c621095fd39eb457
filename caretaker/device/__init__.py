"""
A CPE without I/O: its data model, events, methods and behaviour (decision D1).

Nothing here opens a socket, looks at a clock or rolls dice that were not handed in.
"""
