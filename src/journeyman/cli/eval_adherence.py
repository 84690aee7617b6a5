"""placeholder to be replaced in the next commit"""
