"""Kinds of panel in the house style: tables, charts, cards, timelines."""
