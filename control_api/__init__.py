"""Run now and the clean-up buttons: for platform admins only, each with its row in the log."""
