"""Output: files and folders that a person names are judged before the work, and replaced in one step after it."""
