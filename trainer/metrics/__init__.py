"""Metrics of an embedding, among them three one-shot accuracies.

They answer three questions and share no draws, so that none can replace another:

- `one_shot`: six-way accuracy of an encoder during and after a training. Rounds are drawn one by one.
- `embedding`: the same six-way task on rounds that are drawn once, so that losses are compared on equal questions.
- `nearest_exemplar`: accuracy and macro-F1 over all classes of a history. Exemplars and questions come from different
  events and cells, and intervals count events.
"""
