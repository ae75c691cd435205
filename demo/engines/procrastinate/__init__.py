"""procrastinate: tasks that do what they are told, and processes that run them."""
