"""What the stacks are made of that stands elsewhere already: grants, rules, dashboards, in the form they need."""
