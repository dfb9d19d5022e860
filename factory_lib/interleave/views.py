def report(r): return f"{r.verdict} {r.schedules} {r.outcomes} {r.reason} {r.counterexample}"
