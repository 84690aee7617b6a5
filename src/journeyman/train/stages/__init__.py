"""Stages of training: which documents, made how, from what; the loop is the same for all."""
