# What gets installed beside the program, and how packages are made.
