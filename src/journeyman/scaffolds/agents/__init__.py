"""External agent programs as scaffolds: run unmodified, in a sandbox whose only way out is the gateway.

An agent is one file here: what to install, how it is started, its settings, its protocol.
"""
