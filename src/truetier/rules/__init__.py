"""The rules, one file each, in a folder per family; families do not import each other."""
