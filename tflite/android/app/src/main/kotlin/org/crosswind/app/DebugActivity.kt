package org.crosswind.app

import android.app.Activity
import android.os.Bundle
import android.view.ViewGroup
import android.widget.TextView
import org.crosswind.app.model.Predictor

private const val CALLS = 100

/** Whether the installed model gives the answers on this phone that it gave when it was published, and how fast. */
class DebugActivity : Activity() {
    override fun onCreate(savedInstanceState: Bundle?) {
        super.onCreate(savedInstanceState)
        setScreen(R.layout.activity_debug)
        actionBar?.setDisplayHomeAsUpEnabled(true)
        predictor.onSuccess(::report).onFailure { add(R.layout.report_line, problem(it)) }
    }

    private fun report(predictor: Predictor) {
        add(R.layout.report_title, getString(R.string.golden_title))
        add(R.layout.report_line, getString(R.string.golden_note, predictor.card.words.rows))
        golden(predictor).forEach { add(R.layout.report_line, it) }
        add(R.layout.report_title, getString(R.string.latency_title))
        add(R.layout.report_line, latency(predictor))
        add(R.layout.report_title, getString(R.string.model_title))
        add(R.layout.report_line, getString(R.string.model_facts, predictor.card.model, predictor.card.variant))
        add(R.layout.report_line, trainedOn(predictor.card))
    }

    private fun golden(predictor: Predictor): List<String> {
        val results = predictor.checkGolden()
        val largest = "%.0e".format(results.maxOf { it.difference })
        val passed = results.count { it.passed }
        val summary = resources.getQuantityString(R.plurals.golden_passed, results.size, results.size, passed, largest)
        return listOf(summary) + results.filterNot { it.passed }.map {
            getString(R.string.golden_failed, it.number, figures(it.expected), figures(it.actual))
        }
    }

    private fun figures(answer: List<Float>): String = answer.joinToString { "%.6f".format(it) }

    private fun latency(predictor: Predictor): String =
        with(predictor.latency(CALLS)) { resources.getQuantityString(R.plurals.latency, calls, calls, p50, p99) }

    private fun add(layout: Int, text: String) {
        val report: ViewGroup = findViewById(R.id.report)
        report.addView((layoutInflater.inflate(layout, report, false) as TextView).also { it.text = text })
    }
}
