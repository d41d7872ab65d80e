"""The example problem, as the tests that say flights use it."""

from pipeline import config

PROBLEM = config.load().problem
FEATURES, LABEL, DATE, COLUMNS = PROBLEM.features, PROBLEM.label, PROBLEM.date, PROBLEM.columns
