"""The pages: asking for pictures, watching them come, finding them again, seeing what they cost."""
