"""What people may do: one noun a file, one function an action. Rules and SQL live here, no HTTP."""
