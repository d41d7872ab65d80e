"""Secrets as people have them around a run, to be looked for in everything that it writes."""

SECRET = "planted7Kq2secret"  # noqa: S105
ENVIRONMENT = {
    "AWS_SECRET_ACCESS_KEY": f"{SECRET}/aws",
    "CROSSWIND_TOKEN": f"{SECRET}-token",
    "GOOGLE_APPLICATION_CREDENTIALS": f'{{"private_key": "{SECRET}"}}',
    "KF_PIPELINES_TOKEN": f"{SECRET}-kubeflow",
}
NOTIFY = f"true --header 'Authorization: Bearer {SECRET}'"
BEAM_OPTIONS = f"['--password={SECRET}']"
