"""One short file each; the file's name is the command's, a trailing underscore dropped and underscores read as dashes."""
