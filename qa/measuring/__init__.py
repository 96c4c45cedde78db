"""What `qa.evaluate` measures with: question sets, judging, figures with intervals, floors, reports."""
