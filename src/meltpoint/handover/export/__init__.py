"""Export: the trained embedding, or the whole model, in the formats of others.

``exporting`` chooses, checks and replaces, ``base`` says what an exporter is given, and each format is one module.
"""

from meltpoint.handover.export.exporting import EXPORTERS, Exported, export_model

__all__ = ["EXPORTERS", "Exported", "export_model"]
