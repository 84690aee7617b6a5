"""A model beside the one that it was trained from: the same questions, the same tasks, in pairs."""
