"""One retraining from examples to verdict, in stages that resume where a crash left them.

Reads from top to bottom: split, data, embedder, index, settings, generator, measurement, release,
promotion. The active release goes on answering throughout; nothing here opens its index.
"""

import shutil
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from retrieval.catalog import Catalog
from retrieval.documents import Passage
from retrieval.embedder import Embedder, load_embedder
from retrieval.errors import VerdictRefused
from retrieval.files import publish_json
from retrieval.index.base import Index
from retrieval.index.open import open_index
from retrieval.progress import Progress, silent
from retrieval.search import Searcher
from retrieval.search_settings import SearchSettings
from retrieval.settings import IndexSettings
from retrieval.sync import sync
from retrieval.workspace import Workspace
from training.arms import BASELINE, NAMES, Retriever, references, two_by_two
from training.comparison import Comparison, compare_arms
from training.contrastive import ContrastiveRow
from training.evaluation import ArmResult, evaluate
from training.examples import Example, check_documents, link_documents, load_examples
from training.ledger import Ledger
from training.promotion import promote
from training.release import Release, collection_name, create_release, read_release
from training.runs import Run, start_run, unfinished_run
from training.runtime import generator_directory, open_embedder
from training.settings import TrainingSettings
from training.splits import FrozenSplit, Split, make_split, near_duplicate_groups
from training.tables import read_rows, write_rows
from training.tuning import choose_abstention_threshold, choose_search_settings
from training.verdict import Check, Verdict, choose_arm, decide
