"""What blocks a merge: the steps are the commands in this folder; the product imports none."""
