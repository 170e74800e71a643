"""Commands about data, without training."""

from meltpoint.cli import options as shared
from meltpoint.cli.material import read_material
from meltpoint.cli.output import print_json, results


def profile(
    data: shared.DataArgument,
    vectors: shared.VectorsOption,
    test: shared.TestOption = None,
    text: shared.TextOption = None,
    label: shared.LabelOption = None,
    second_text: shared.SecondTextOption = None,
    group: shared.GroupOption = None,
    task: shared.TaskOption = "classify",
    empty: shared.EmptyOption = "error",
    tokenizer: shared.TokenizerOption = "auto",
    member: shared.MemberOption = None,
    as_json: shared.JsonOption = False,
) -> None:
    """Look at data and vectors: coverage, unknown words and why, the textbook's guess. No training."""
    material = read_material(
        data,
        vectors,
        member=member,
        test=test,
        text=text,
        label=label,
        second_text=second_text,
        group=group,
        task=task,
        empty=empty,
        tokenizer=tokenizer,
        quiet=True,
    )
    from meltpoint.report import profile_document, render_profile  # noqa: PLC0415

    document = profile_document(material.corpus, material.vectors, material.data, material.coverage)
    if as_json:
        print_json(document)
    else:
        results.print(render_profile(document))
