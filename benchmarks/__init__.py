"""Speed, measured as a user would meet it: whole processes, real files, side by side with others in one run."""
