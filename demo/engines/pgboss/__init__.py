"""pg-boss: its packages come from npm, and run in Node.js."""
